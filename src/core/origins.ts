import { assertOption } from './errors.ts';

/**
 * Origins in the form that URLs are compared by.
 *
 * @param option its name, for the error
 *
 * @throws GuestTokenError `misconfigured`
 */
export function normalOrigins(origins: readonly string[], option = 'origins'): readonly string[] {
  // not origins.map, which a lone string does not have: its letters are no origins
  return Array.from(origins, (text) => {
    // what is no URL is like one without an origin: that reads as "null"
    const { origin, href } = new URL(URL.canParse(text) ? text : 'no:');
    const isOrigin = href === `${origin}/` && !origin.includes('*');
    assertOption(option, isOrigin, 'must be like https://host');
    return origin;
  });
}
