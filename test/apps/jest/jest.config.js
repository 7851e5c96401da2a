module.exports = {
  testEnvironment: 'jsdom',
  // These packages are ES modules, which Jest runs only after Babel.
  transformIgnorePatterns: ['/node_modules/(?!(react-guest-token|jwt-decode)/)'],
};
