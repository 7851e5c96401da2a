import HtmlWebpackPlugin from 'html-webpack-plugin';

export default {
  entry: './src/main.tsx',
  resolve: { extensions: ['.tsx', '.ts', '.js'] },
  module: {
    rules: [{ test: /\.tsx?$/, exclude: /node_modules/, use: 'babel-loader' }],
  },
  plugins: [new HtmlWebpackPlugin({ template: 'index.html' })],
  devServer: {
    proxy: [{ context: ['/api/guest-token'], target: 'http://127.0.0.1:8787' }],
  },
};
