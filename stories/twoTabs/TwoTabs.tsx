import { type ReactNode, useEffect, useState } from 'react';
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

interface TabProps {
  title: string;
  visitor: string;
}

/** A page of its own, in a frame. */
export function Tab({ title, visitor }: TabProps): ReactNode {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    // Not with a static import: a built story's own file needs Storybook around it.
    import('./tab.tsx').then((module) => setUrl(module.url));
  }, []);
  return (
    <figure>
      <figcaption>{title}</figcaption>
      {url && <iframe title={title} srcDoc={pageOf(title, url, visitor)} />}
    </figure>
  );
}

/** A page that loads the same module as the story, and has nothing else in common with it. */
function pageOf(title: string, url: string, visitor: string): string {
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
