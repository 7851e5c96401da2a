/** The properties of a plain JSON object; of anything else none. */
export function asRecord(value: unknown): Record<string, unknown> {
  return { ...Object(value) };
}

/** A string that is not blank. */
export function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}
