/** Of the inspector's shadow root. */
export const styles = `
.inspector {
  color-scheme: light dark;
  --ink: light-dark(#1b2430, #e6ebf2);
  --quiet: light-dark(#4a5666, #a9b5c4);
  --paper: light-dark(#fff, #161c24);
  --raised: light-dark(#f1f4f8, #202834);
  --line: light-dark(#c4ccd7, #3d4858);
  --accent: light-dark(#0b5cad, #7cb8f5);
  --on-accent: light-dark(#fff, #0d131a);
  --good: light-dark(#1a7f37, #5fd083);
  --busy: light-dark(#8a5200, #f0b757);
  --bad: light-dark(#a3171f, #ff8f93);
  --fresh: light-dark(#bfe5ca, #1f5a33);
  --stale: light-dark(#f6d59c, #7a5411);
  color: var(--ink);
  font: 14px/1.45 system-ui, sans-serif;
  text-align: start;
  overflow-wrap: anywhere;
}
.inspector[data-theme="light"] { color-scheme: light; }
.inspector[data-theme="dark"] { color-scheme: dark; }
.inspector *, .inspector *::before { box-sizing: border-box; }
.drawer, .embedded {
  position: relative;
  container-type: inline-size;
  padding: 12px 16px 16px;
  background: var(--paper);
}
.drawer {
  position: fixed;
  z-index: 99999;
  inset: auto 0 0;
  max-height: min(70vh, 560px);
  overflow-y: auto;
  border-top: 1px solid var(--line);
  box-shadow: 0 -8px 24px rgb(0 0 0 / 20%);
}
.embedded { min-height: 100%; }
.drawer:focus { outline: none; }
h2, h3 { margin: 0 0 8px; font-size: 15px; line-height: 1.6; }
h3 { font-size: 14px; }
p { margin: 0; }
button, summary, textarea { font: inherit; color: inherit; }
button {
  padding: 4px 12px;
  border: 1px solid var(--line);
  border-radius: 8px;
  background: var(--raised);
  cursor: pointer;
}
button:hover:enabled { border-color: var(--accent); }
button:disabled { color: var(--quiet); cursor: default; opacity: 0.7; }
button[aria-pressed="true"], button[aria-selected="true"] {
  border-color: var(--accent);
  background: var(--accent);
  color: var(--on-accent);
}
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.close { position: absolute; inset-block-start: 10px; inset-inline-end: 16px; }
.toggle {
  position: fixed;
  z-index: 99999;
  width: 44px;
  height: 44px;
  padding: 0;
  border: 3px solid var(--quiet);
  border-radius: 50%;
  background: var(--paper);
  box-shadow: 0 2px 10px rgb(0 0 0 / 25%);
}
.toggle svg {
  display: block;
  margin: auto;
  fill: none;
  stroke: currentColor;
  stroke-width: 2;
  stroke-linecap: round;
  stroke-linejoin: round;
}
.toggle[data-position^="bottom"] { bottom: 12px; }
.toggle[data-position^="top"] { top: 12px; }
.toggle[data-position$="left"] { left: 12px; }
.toggle[data-position$="right"] { right: 12px; }
.toggle[data-mood="good"] { border-color: var(--good); }
.toggle[data-mood="busy"] { border-color: var(--busy); border-style: dashed; }
.toggle[data-mood="bad"] { border-color: var(--bad); border-style: double; }
[role="tablist"] { display: flex; flex-wrap: wrap; gap: 4px; margin-bottom: 10px; }
.session { display: grid; gap: 16px; }
.session > * { min-width: 0; }
@container (min-width: 720px) {
  .session { grid-template-columns: 3fr 2fr; }
}
.none { color: var(--quiet); }
.state { font-size: 18px; font-weight: 600; line-height: 1.3; }
.state::before {
  content: "";
  display: inline-block;
  width: 10px;
  height: 10px;
  margin-inline-end: 8px;
  border-radius: 50%;
  background: var(--quiet);
}
.state[data-mood="good"]::before { background: var(--good); }
.state[data-mood="busy"]::before { background: var(--busy); border-radius: 2px; }
.state[data-mood="bad"]::before { background: var(--bad); border-radius: 0; rotate: 45deg; }
.why { margin-block: 4px 12px; max-width: 62ch; }
.timeline { margin: 0 0 12px; }
.bar {
  position: relative;
  height: 36px;
  margin-inline: 6px;
  border: 1px solid var(--line);
  border-radius: 6px;
  background: var(--raised);
}
.bar > * { position: absolute; inset-block: 0; }
.fresh { background: var(--fresh); border-radius: 5px 0 0 5px; }
.stale { background: var(--stale); }
.wait {
  background: repeating-linear-gradient(-45deg, transparent 0 4px, var(--quiet) 4px 5px);
}
.bar .wait { inset-block: 22px 0; }
.now { width: 2px; margin-inline-start: -1px; background: var(--ink); }
.bar .now { inset-block: -5px; }
.bar b { inset-block: 5px auto; width: 16px; margin-inline-start: -8px; text-align: center; line-height: 1; }
b[data-kind="token"] { color: var(--good); }
b[data-kind="failure"] { color: var(--bad); }
b[data-kind="refused"] { color: var(--busy); }
b[data-kind="other-tab"], b[data-kind="attempt"] { color: var(--accent); }
figcaption { margin-top: 8px; font-variant-numeric: tabular-nums; }
.legend {
  display: flex;
  flex-wrap: wrap;
  gap: 0 14px;
  margin: 4px 0 0;
  padding: 0;
  list-style: none;
  color: var(--quiet);
  font-size: 12px;
}
.swatch {
  display: inline-block;
  width: 14px;
  height: 10px;
  border: 1px solid var(--line);
}
.actions > div { display: flex; flex-wrap: wrap; gap: 6px; }
.actions p { min-height: 20px; margin-top: 4px; color: var(--quiet); }
textarea { display: block; width: 100%; margin-top: 4px; background: var(--raised); }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 240px), 1fr)); gap: 2px 16px; margin: 8px 0 0; }
dl div { display: flex; gap: 8px; justify-content: space-between; border-bottom: 1px solid var(--line); }
dt { color: var(--quiet); }
dd { margin: 0; text-align: end; }
ol { max-height: 320px; margin: 0; padding: 0; overflow-y: auto; list-style: none; font-size: 13px; }
li { padding: 2px 0; }
.events li { border-bottom: 1px solid var(--line); }
time { color: var(--quiet); font-variant-numeric: tabular-nums; }
@media (forced-colors: active) {
  .bar > *, .swatch, .state::before { forced-color-adjust: none; }
  .fresh { background: Canvas; }
  .stale { background: GrayText; }
  .now, .state::before { background: CanvasText; }
  .bar b { color: CanvasText; }
  button[aria-pressed="true"], button[aria-selected="true"] { border-color: Highlight; outline: 1px solid Highlight; }
}
`;
