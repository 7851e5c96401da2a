import {
  cookieName,
  countOrList,
  list,
  oneOf,
  passphrase,
  secureUrl,
  setting,
  text,
  wholeNumber,
} from './setting.ts';

const HOUR_MS = 3_600_000;
const rate = wholeNumber(1, 1_000_000);

/** Who may ask `serve`, and how it knows them. */
export const visitorTable = {
  allowedOrigins: setting({
    variable: 'GUEST_TOKEN_ALLOWED_ORIGINS',
    flag: 'allowed-origins',
    placeholder: 'LIST',
    kind: list,
    fallback: '',
    option: 'allowedOrigins',
    help: 'comma-separated: other origins whose pages may ask',
  }),
  allowedChannels: setting({
    variable: 'GUEST_TOKEN_ALLOWED_CHANNELS',
    flag: 'allowed-channels',
    placeholder: 'LIST',
    kind: list,
    fallback: '',
    option: 'allowedChannels',
    help: 'comma-separated: channels that browsers may name beside GENESYS_CHANNEL_ID',
  }),
  cookieSecret: setting({
    variable: 'GUEST_TOKEN_COOKIE_SECRET',
    kind: passphrase,
    isSecret: true,
    option: 'cookieSecret',
    help: 'signs the cookie that tells visitors apart; required without --sandbox or GUEST_TOKEN_JWKS_URL',
  }),
  cookieSecretOld: setting({
    variable: 'GUEST_TOKEN_COOKIE_SECRET_OLD',
    kind: passphrase,
    isSecret: true,
    help: 'the previous secret, accepted while you rotate',
  }),
  cookieSameSite: setting({
    variable: 'GUEST_TOKEN_COOKIE_SAME_SITE',
    flag: 'cookie-same-site',
    placeholder: 'VALUE',
    kind: oneOf('Lax', 'Strict', 'None'),
    fallback: 'Lax',
    option: 'sameSite',
    help: 'SameSite of that cookie: None for pages of another site, over https',
  }),
  jwksUrl: setting({
    variable: 'GUEST_TOKEN_JWKS_URL',
    flag: 'jwks-url',
    placeholder: 'URL',
    kind: secureUrl,
    help: "the identity provider's keys, where visitors sign in: their JWT says who they are",
  }),
  jwtIssuer: setting({
    variable: 'GUEST_TOKEN_JWT_ISSUER',
    flag: 'jwt-issuer',
    placeholder: 'TEXT',
    kind: text,
    help: 'the iss that such a JWT must have',
  }),
  jwtAudience: setting({
    variable: 'GUEST_TOKEN_JWT_AUDIENCE',
    flag: 'jwt-audience',
    placeholder: 'TEXT',
    kind: text,
    help: 'the aud that such a JWT must have',
  }),
  jwtClaim: setting({
    variable: 'GUEST_TOKEN_JWT_CLAIM',
    flag: 'jwt-claim',
    placeholder: 'NAME',
    kind: text,
    fallback: 'sub',
    help: "the claim that is the visitor's externalId",
  }),
  jwtCookie: setting({
    variable: 'GUEST_TOKEN_JWT_COOKIE',
    flag: 'jwt-cookie',
    placeholder: 'NAME',
    kind: cookieName,
    help: 'the cookie that holds the JWT of requests without an Authorization header',
  }),
};

/** How much visitors, addresses and all together may ask for. */
export const limitTable = {
  perVisitor: setting({
    variable: 'GUEST_TOKEN_PER_VISITOR',
    flag: 'per-visitor',
    placeholder: 'COUNT',
    kind: rate,
    fallback: '60',
    option: 'limits.perVisitor',
    help: 'requests a minute of one visitor',
  }),
  perIp: setting({
    variable: 'GUEST_TOKEN_PER_IP',
    flag: 'per-ip',
    placeholder: 'COUNT',
    kind: rate,
    fallback: '600',
    option: 'limits.perIp',
    help: 'requests a minute from one address',
  }),
  newVisitorsPerIp: setting({
    variable: 'GUEST_TOKEN_NEW_VISITORS_PER_IP',
    flag: 'new-visitors-per-ip',
    placeholder: 'COUNT',
    kind: rate,
    fallback: '100',
    option: 'limits.newVisitorsPerIp',
    help: 'visitors without a cookie, a minute from one address',
  }),
  trustedProxies: setting({
    variable: 'GUEST_TOKEN_TRUSTED_PROXIES',
    flag: 'trusted-proxies',
    placeholder: 'COUNT|LIST',
    kind: countOrList,
    fallback: '0',
    option: 'limits.trustedProxies',
    help: 'the proxies in front: how many, or their addresses and CIDRs, comma-separated',
  }),
  ipv6PrefixLength: setting({
    variable: 'GUEST_TOKEN_IPV6_PREFIX_LENGTH',
    kind: wholeNumber(1, 128),
    fallback: '64',
    option: 'limits.ipv6PrefixLength',
    help: 'leading bits of an IPv6 address that count as one address',
  }),
  upstream: setting({
    variable: 'GUEST_TOKEN_UPSTREAM',
    flag: 'upstream',
    placeholder: 'COUNT',
    kind: rate,
    fallback: '300',
    option: 'limits.upstream',
    help: 'calls to Genesys a minute, over all visitors and machines',
  }),
  maxWaitMs: setting({
    variable: 'GUEST_TOKEN_MAX_WAIT_MS',
    flag: 'max-wait-ms',
    placeholder: 'MS',
    kind: wholeNumber(0, HOUR_MS),
    fallback: '2000',
    option: 'limits.maxWaitMs',
    help: 'how long a request for a new token may wait for its turn',
  }),
};

/** What several machines share. */
export const redisTable = {
  redisUrl: setting({
    variable: 'REDIS_URL',
    kind: text,
    isSecret: true,
    help: 'shares tokens and limits between machines; needs the package redis',
  }),
  redisPrefix: setting({
    variable: 'GUEST_TOKEN_REDIS_PREFIX',
    flag: 'redis-prefix',
    placeholder: 'PREFIX',
    kind: text,
    fallback: 'react-guest-token:',
    option: 'prefix',
    help: 'of all keys in Redis; another one for each organisation that shares it',
  }),
  encryptionKey: setting({
    variable: 'GUEST_TOKEN_ENCRYPTION_KEY',
    kind: passphrase,
    isSecret: true,
    option: 'encryptionKey',
    help: 'encrypts the tokens in Redis',
  }),
  encryptionKeyOld: setting({
    variable: 'GUEST_TOKEN_ENCRYPTION_KEY_OLD',
    kind: passphrase,
    isSecret: true,
    help: 'the previous key, which still decrypts while you rotate',
  }),
};
