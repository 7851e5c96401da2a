import { type ReactNode, useCallback, useEffect, useState } from 'react';
import { createPortal } from 'react-dom';
import { simulateOffline } from './simulatedOffline.ts';
import { styles } from './styles.ts';

export type DevtoolsTheme = 'light' | 'dark' | 'system';

/** Renders into a shadow root: no style gets in or out. On a server there is nothing of it. */
export function Isolated({ theme, children }: { theme: DevtoolsTheme; children: ReactNode }) {
  const [root, setRoot] = useState<ShadowRoot | null>(null);
  const attach = useCallback((host: HTMLElement | null) => {
    if (host) setRoot(host.shadowRoot ?? openRoot(host));
  }, []);
  // Whoever takes the inspector away would have no button to end it.
  useEffect(() => () => simulateOffline(false), []);
  return (
    <div ref={attach} data-guest-token-devtools="">
      {root &&
        createPortal(
          <div className="inspector" data-theme={theme}>
            {children}
          </div>,
          root,
        )}
    </div>
  );
}

function openRoot(host: HTMLElement): ShadowRoot {
  const root = host.attachShadow({ mode: 'open' });
  // A sheet of the host's own document, which may be another window's.
  const Sheet = host.ownerDocument.defaultView?.CSSStyleSheet;
  // Not a <style>, which a strict content security policy forbids.
  if (Sheet && 'adoptedStyleSheets' in root) {
    const sheet = new Sheet();
    sheet.replaceSync(styles);
    root.adoptedStyleSheets = [sheet];
  }
  return root;
}
