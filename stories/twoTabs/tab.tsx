// What runs inside each frame of the story "Two tabs": a page of its own, with its own memory.
import { createRoot } from 'react-dom/client';
import cardStyle from '../card/card.css?inline';
import { TokenCard } from '../card/TokenCard.tsx';
import { Stage } from '../support/Stage.tsx';
import frameStyle from './frame.css?inline';

/** Where this module is: in the development server, and in a built Storybook. */
export const url = import.meta.url;

/** Shows the visitor's token in this document, shared with other tabs. */
function show(visitor: string): void {
  const style = document.createElement('style');
  style.textContent = `${cardStyle}${frameStyle}`;
  document.head.append(style);
  const root = document.createElement('main');
  document.body.append(root);
  createRoot(root).render(
    <Stage externalId={visitor} shareAcrossTabs>
      {(events) => <TokenCard events={events} />}
    </Stage>,
  );
}

// Only a frame says whom it is for; the story loads this module as well, to learn its address.
const { visitor } = document.documentElement.dataset;
if (visitor !== undefined) show(visitor);
