import type { ReactNode } from 'react';
import { GuestTokenDevtools, type GuestTokenDevtoolsProps } from '../../src/devtools/index.ts';
import { TokenCard } from '../card/TokenCard.tsx';
import { Stage } from '../support/Stage.tsx';

/** A page with two providers, each with a client of its own, and the inspector's button. */
export function TwoVisitors(props: GuestTokenDevtoolsProps): ReactNode {
  return (
    <>
      <Stage>{(events) => <TokenCard events={events} />}</Stage>
      <Stage keepFresh="on-demand">{null}</Stage>
      <GuestTokenDevtools {...props} />
    </>
  );
}
