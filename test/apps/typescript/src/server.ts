import { endpointTokenSource, readGuestToken } from 'react-guest-token/core';
import { createGuestTokenBroker, redisTokenPool, webchatVisitors } from 'react-guest-token/server';
import { createClient } from 'redis';

export const broker = createGuestTokenBroker({
  issuer: webchatVisitors({ clientId: 'id', clientSecret: 'secret' }),
  authorize: async (request) => ({ externalId: request.headers.get('x-user') ?? 'nobody' }),
  pool: redisTokenPool(createClient()),
});

export const source = endpointTokenSource('https://shop.example/api/guest-token');
export const token: string = readGuestToken({ id: '1', token: 'opaque', expires_in: 60 }).value;

// @ts-expect-error a broker needs to know who asks
createGuestTokenBroker({ issuer: webchatVisitors({}) });
