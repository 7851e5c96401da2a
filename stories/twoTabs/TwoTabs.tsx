import { type ReactNode, useEffect, useState } from 'react';
import './twoTabs.css';

/** Two pages of one visitor, side by side. */
export function TwoTabs({ visitor }: { visitor: string }): ReactNode {
  const [second, setSecond] = useState(false);
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    // Not with a static import: a built story's own file needs Storybook around it.
    import('./tab.tsx').then((module) => setUrl(module.url));
  }, []);
  if (url === undefined) return null;
  return (
    <div className="tabs">
      <Tab title="First tab" url={url} visitor={visitor} />
      {second ? (
        <Tab title="Second tab" url={url} visitor={visitor} />
      ) : (
        <button type="button" onClick={() => setSecond(true)}>
          Open a second tab
        </button>
      )}
    </div>
  );
}

interface TabProps {
  title: string;
  /** The module that a tab runs. */
  url: string;
  visitor: string;
}

function Tab({ title, url, visitor }: TabProps): ReactNode {
  return (
    <figure>
      <figcaption>{title}</figcaption>
      <iframe title={title} srcDoc={pageOf({ title, url, visitor })} />
    </figure>
  );
}

/** A page that loads the same module as the story, and has nothing else in common with it. */
function pageOf({ title, url, visitor }: TabProps): string {
  return `<!doctype html>
<html lang="en">
<title>${title}</title>
<script type="module">
  // what the development server's JSX asks for; a built Storybook does not
  window.$RefreshReg$ = () => {};
  window.$RefreshSig$ = () => (type) => type;
  document.documentElement.dataset.visitor = ${JSON.stringify(visitor)};
  import(${JSON.stringify(url)});
</script>
</html>`;
}
