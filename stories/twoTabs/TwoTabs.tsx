import { type ReactNode, useState } from 'react';
import { url } from './tab.tsx';
import './twoTabs.css';

/** Two pages of one visitor, side by side. */
export function TwoTabs({ visitor }: { visitor: string }): ReactNode {
  const [second, setSecond] = useState(false);
  return (
    <div className="tabs">
      <Tab title="First tab" visitor={visitor} />
      {second ? (
        <Tab title="Second tab" visitor={visitor} />
      ) : (
        <button type="button" onClick={() => setSecond(true)}>
          Open a second tab
        </button>
      )}
    </div>
  );
}

function Tab({ title, visitor }: { title: string; visitor: string }): ReactNode {
  return (
    <figure>
      <figcaption>{title}</figcaption>
      <iframe title={title} srcDoc={pageOf(title, visitor)} />
    </figure>
  );
}

/** A page that loads the same module as the story, and has nothing else in common with it. */
function pageOf(title: string, visitor: string): string {
  return `<!doctype html>
<html lang="en">
<title>${title}</title>
<script type="module">
  // what the development server's JSX asks for; a built Storybook does not
  window.$RefreshReg$ = () => {};
  window.$RefreshSig$ = () => (type) => type;
  const { show } = await import(${JSON.stringify(url)});
  show(${JSON.stringify(visitor)});
</script>
</html>`;
}
