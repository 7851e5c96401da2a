import { type Ask, ask } from '../shop.ts';

/** A request as a server hands it on that has taken it from an address, srvx among others. */
export function from(ip: string | undefined, what: Ask = {}): Request {
  return Object.assign(ask(what), ip === undefined ? {} : { ip });
}

/** A request that has come through proxies. */
export function forwarded(value: string, ip = '10.0.0.1'): Request {
  return from(ip, { headers: { 'X-Forwarded-For': value } });
}
