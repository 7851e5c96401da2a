/** All values of the cookies of that name: a sub-domain may have set one of its own beside the site's. */
export function cookiesOf(headers: Headers, name: string): string[] {
  const cookies = headers.get('Cookie')?.split(';') ?? [];
  return cookies
    .map((cookie) => cookie.trim())
    .filter((cookie) => cookie.startsWith(`${name}=`))
    .map((cookie) => cookie.slice(name.length + 1));
}
