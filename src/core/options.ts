/** `defaults` with what is given on top; an `undefined` never beats a default. */
export function withDefaults<Defaults extends object>(
  defaults: Defaults,
  given: { readonly [Name in keyof Defaults]?: Defaults[Name] | undefined },
): Defaults {
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(set) };
}
