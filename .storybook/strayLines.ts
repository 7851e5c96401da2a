// What no story may leave in the console: a line that its `parameters.prints` does not name.
import type { Parameters } from 'storybook/internal/csf';

const methods = ['log', 'info', 'warn', 'error'] as const;

let lines: string[] = [];
let stopWatching: () => void = () => undefined;

/** The lines that a story prints, each at least once. */
function expectedLines({ prints = [] }: Parameters): readonly RegExp[] {
  return prints;
}

/** Collects what is printed from now on. The terminal still shows what is not expected. */
function watch(parameters: Parameters): () => void {
  const expected = expectedLines(parameters);
  const real = methods.map((method) => [method, console[method]] as const);
  lines = [];
  for (const [method, print] of real) {
    console[method] = (...args: unknown[]): void => {
      const line = args.map(String).join(' ');
      lines.push(line);
      if (!expected.some((pattern) => pattern.test(line))) print(...args);
    };
  }
  stopWatching = (): void => {
    for (const [method, print] of real) console[method] = print;
  };
  // for a story that fails before it is checked
  return stopWatching;
}

/** @throws Error naming the lines that nobody expected, or those that are missing */
function check(parameters: Parameters): void {
  stopWatching();
  const expected = expectedLines(parameters);
  const strays = lines.filter((line) => !expected.some((pattern) => pattern.test(line)));
  if (strays.length > 0) throw new Error(`The story has printed:\n${strays.join('\n')}`);
  const missing = expected.filter((pattern) => !lines.some((line) => pattern.test(line)));
  if (missing.length > 0) throw new Error(`The story has not printed ${missing.join(' and ')}.`);
}

/** For a preview, under Vitest: a story whose console lines are not the expected ones fails. */
export const noStrayLines = {
  beforeEach: ({ parameters }: { parameters: Parameters }) => watch(parameters),
  afterEach: ({ parameters }: { parameters: Parameters }) => check(parameters),
};
