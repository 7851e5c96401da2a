import { GuestTokenProvider } from 'react-guest-token';
import { fakeTokenSource, GuestTokenTestProvider, passTime } from 'react-guest-token/testing';

const source = fakeTokenSource({ lifeSeconds: 60 });
export const asksFake = <GuestTokenProvider externalId="ada" source={source} />;
export const fixed = <GuestTokenTestProvider status="pending" />;
export const later: Promise<void> = passTime(1_000);
