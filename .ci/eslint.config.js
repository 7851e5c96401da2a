// The rules of React and of its compiler, over what React runs. Biome does the rest.

import parser from '@babel/eslint-parser';
import hooks from 'eslint-plugin-react-hooks';

export default [
  {
    ...hooks.configs.flat['recommended-latest'],
    files: ['**/*.{ts,tsx}'],
    languageOptions: {
      parser,
      parserOptions: {
        requireConfigFile: false,
        babelOptions: { presets: ['@babel/preset-typescript'], parserOpts: { plugins: ['jsx'] } },
      },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
  },
];
