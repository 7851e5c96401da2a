import { setupServer } from 'msw/node';
import { genesysSandbox } from 'react-guest-token/sandbox';

export const server = setupServer(...genesysSandbox().handlers);
