/** `defaults`, overridden by what is given, except by `undefined`. */
export function withDefaults<Defaults extends object>(
  defaults: Defaults,
  given: { readonly [Name in keyof Defaults]?: Defaults[Name] | undefined },
): Defaults {
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(set) };
}
