import type { CSSProperties, ReactNode } from 'react';
import type { MarkKind, Span, Timeline } from './timeline.ts';

const symbols: Readonly<Record<MarkKind, { sign: string; name: string }>> = {
  attempt: { sign: '○', name: 'attempt' },
  token: { sign: '●', name: 'new token' },
  failure: { sign: '✕', name: 'failure' },
  'other-tab': { sign: '⇄', name: 'from another tab' },
  refused: { sign: '!', name: 'refused' },
};

/** A token's life as a bar, with what happened on it. */
export function TimelineView({ timeline }: { timeline: Timeline }): ReactNode {
  const { fresh, stale, waits, marks, now, text } = timeline;
  return (
    <figure className="timeline">
      <div className="bar" role="img" aria-label={text}>
        {fresh && <i className="fresh" style={place(fresh)} />}
        {stale && <i className="stale" style={place(stale)} />}
        {waits.map((wait) => (
          <i className="wait" key={wait.from} style={place(wait)} />
        ))}
        {marks.map(({ kind, at }, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: marks have no identity of their own
          <b key={index} data-kind={kind} style={{ insetInlineStart: percent(at) }}>
            {symbols[kind].sign}
          </b>
        ))}
        <i className="now" style={{ insetInlineStart: percent(now) }} />
      </div>
      <figcaption>{text}</figcaption>
      <ul aria-label="Legend" className="legend">
        {Object.entries(symbols).map(([kind, { sign, name }]) => (
          <li key={kind}>
            <b data-kind={kind} aria-hidden="true">
              {sign}
            </b>{' '}
            {name}
          </li>
        ))}
        <li>
          <i className="swatch wait" /> wait
        </li>
        <li>
          <i className="swatch stale" /> from the refresh point on
        </li>
      </ul>
    </figure>
  );
}

function place({ from, to }: Span): CSSProperties {
  return { insetInlineStart: percent(from), inlineSize: percent(Math.max(0, to - from)) };
}

function percent(part: number): string {
  return `${(part * 100).toFixed(2)}%`;
}
