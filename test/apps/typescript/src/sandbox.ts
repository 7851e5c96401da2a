import type { RequestHandler } from 'msw';
import { genesysSandbox } from 'react-guest-token/sandbox';

export const handlers: readonly RequestHandler[] = genesysSandbox().handlers;
