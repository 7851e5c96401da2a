/** One thing that is measured, beside others that do the same work. */
export interface Case {
  readonly work: string;
  readonly subject: string;
  /** Does the work some times; µs that one time took. */
  sample(): Promise<number>;
}

export interface Result {
  readonly work: string;
  readonly subject: string;
  /** Median over the rounds: µs, or bytes of heap. */
  readonly cost: number;
}

export type Report = (results: Result[]) => void;

/**
 * Measures one work after the other, and reports each. The subjects of a work take turns, so that
 * whatever else the machine does hits all of them alike.
 */
export async function measure(
  cases: readonly Case[],
  rounds: number,
  report: Report,
): Promise<void> {
  for (const work of new Set(cases.map((one) => one.work))) {
    const subjects = cases.filter((one) => one.work === work);
    const samples = subjects.map((): number[] => []);
    for (let round = -1; round < rounds; round++) {
      for (const [index, { sample }] of subjects.entries()) {
        const cost = await sample();
        if (round >= 0) samples[index]?.push(cost); // the first round warms up
      }
    }
    report(
      subjects.map(({ subject }, index) => ({ work, subject, cost: median(samples[index] ?? []) })),
    );
  }
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** One after the other; µs each. */
export async function inTurn(times: number, work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  for (let n = 0; n < times; n++) await work();
  return ((performance.now() - start) * 1_000) / times;
}

/** Repeated, since a browser's clock is too coarse for less. */
const MIN_CALLS = 10_000;

/** All at once; µs each. */
export async function atOnce(count: number, work: () => Promise<unknown>): Promise<number> {
  const times = Math.ceil(MIN_CALLS / count);
  const us = await inTurn(times, () => Promise.all(Array.from({ length: count }, work)));
  return us / count;
}
