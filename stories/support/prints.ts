// For `parameters`: the lines that a story prints in the console. Its test fails on any other line, and
// when one of these is missing.

/** In development the package warns of each failed acquisition. */
const warning = /^react-guest-token: /;

/** React reports each error that a boundary catches. */
const caughtError = /^%o\n\n%s\n\n%s\n /;

export const printsWarning = { prints: [warning] };
export const printsCaughtError = { prints: [warning, caughtError] };
