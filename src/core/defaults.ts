/** The channel of Genesys' own examples. */
export const DEFAULT_CHANNEL_ID = 'webchat-default';

/** Where the broker answers unless a site says otherwise. */
export const DEFAULT_ENDPOINT = '/api/guest-token';
