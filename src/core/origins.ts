import { assertOption } from './errors.ts';

/**
 * Origins in the form that URLs are compared by.
 *
 * @param option its name, for the error
 * @throws GuestTokenError `misconfigured`
 */
export function normalOrigins(origins: readonly string[], option = 'origins'): readonly string[] {
  // not origins.map, which a lone string does not have: none of its letters is an origin
  return Array.from(origins, (text) => {
    const { origin, href } = urlOf(text);
    assertOption(
      option,
      href === `${origin}/` && !origin.includes('*'),
      'must be like https://host',
    );
    return origin;
  });
}

// not URL.canParse, which browsers of early 2023 lack
function urlOf(text: string): { readonly origin: string; readonly href: string } {
  try {
    return new URL(text);
  } catch {
    return { origin: '', href: text };
  }
}
