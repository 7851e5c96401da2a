// The package of another checkout, or of this one where none was named.
declare module 'react-guest-token-before' {
  export * from 'react-guest-token';
}
