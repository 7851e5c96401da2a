const units = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const;

/** A span of time in its largest unit and the next one, rounded up to seconds: "59 min 30 s". */
export function duration(ms: number): string {
  let left = Math.max(0, Math.ceil(ms / 1000));
  const first = units.findIndex(([, seconds]) => seconds <= left);
  if (first < 0) return '0 s';
  return units
    .slice(first, first + 2)
    .map(([unit, seconds]) => {
      const count = Math.floor(left / seconds);
      left %= seconds;
      return count > 0 ? `${count} ${unit}` : '';
    })
    .join(' ')
    .trim();
}
