/** What `work` yields, or `tooLate()` as an error when it takes longer. Cheaper than an AbortSignal. */
export function inTime<Result>(
  work: PromiseLike<Result>,
  timeoutMs: number,
  tooLate: () => Error,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(tooLate()), timeoutMs);
    work.then(
      (result) => {
        clearTimeout(timer);
        resolve(result);
      },
      (error) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
