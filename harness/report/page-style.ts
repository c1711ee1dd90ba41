// The look of the page: one column that becomes a grid, one colour for each arm, one for better and worse, in light and dark.

export const pageStyle = `
:root {
  color-scheme: light dark;
  --paper: #fdfdfc; --card: #ffffff; --ink: #1c2024; --soft: #5d6670; --rule: #e3e6e8; --grid: #e9ecee;
  --better: #12805c; --worse: #c2410c; --none: #8b949d;
  --neither: #7d8790; --caching: #2563c9; --compression: #c77700; --both: #8339b5;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a; --card: #1b1f23; --ink: #e8ebed; --soft: #9aa4ad; --rule: #2c3238; --grid: #2a3036;
    --better: #43c598; --worse: #f58a4b; --none: #7c8791;
    --neither: #9aa4ad; --caching: #6ba1f5; --compression: #eeb04a; --both: #c38cf0;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
main { max-width: 1020px; margin: 0 auto; padding: 2.5rem 1rem 4rem; }
h1 { font-size: clamp(1.6rem, 5vw, 2.3rem); line-height: 1.15; letter-spacing: -0.02em; margin: 0 0 0.4rem; text-wrap: balance; }
h2 { font-size: 1.3rem; letter-spacing: -0.01em; margin: 3rem 0 0.3rem; }
h3 { font-size: 1rem; margin: 0 0 0.5rem; }
section > h3 { margin-top: 1.4rem; }
figure h3::first-letter { text-transform: uppercase; }
p { max-width: 68ch; margin: 0.4rem 0 1rem; }
.byline, .caption, figcaption { color: var(--soft); font-size: 0.875rem; }
.byline { overflow-wrap: anywhere; }
.note { border-left: 3px solid var(--worse); padding: 0.5rem 0.9rem; background: var(--card); margin: 1rem 0; max-width: 72ch; }
.note p { margin: 0.25rem 0; font-size: 0.92rem; }
.findings { display: grid; gap: 0.9rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); padding: 0; margin: 1rem 0; list-style: none; }
.findings > li, figure { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 0.9rem 1rem; margin: 0; }
.findings b { display: block; margin-bottom: 0.25rem; }
.findings p { margin: 0.2rem 0; font-size: 0.9rem; }
.kind { font-weight: 600; }
.saves { color: var(--better); } .costs { color: var(--worse); } .unseen { color: var(--none); }
.grid { display: grid; gap: 0.9rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); margin: 1rem 0; align-items: start; }
.grid.small { grid-template-columns: repeat(auto-fill, minmax(min(100%, 300px), 1fr)); }
.alone { max-width: 460px; margin: 1rem 0; }
figure h3 { font-size: 0.95rem; }
figcaption { margin-top: 0.4rem; }
.legend { display: flex; flex-wrap: wrap; gap: 0.3rem 1.1rem; padding: 0; margin: 0.6rem 0; list-style: none; font-size: 0.875rem; }
.legend i { display: inline-block; width: 0.8em; height: 0.8em; border-radius: 3px; margin-right: 0.4em; vertical-align: -0.05em; background: var(--tint); }
.legend i.ring { background: none; border: 2px solid var(--tint); border-radius: 50%; }
.legend i.round { border-radius: 50%; }
svg { display: block; width: 100%; height: auto; overflow: visible; font: 12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
svg text { fill: var(--ink); }
svg .tick, svg .axis { fill: var(--soft); font-size: 11px; }
svg .muted { fill: var(--soft); }
svg .group { font-weight: 650; font-size: 12.5px; }
svg .value { font-variant-numeric: tabular-nums; }
svg .grid { stroke: var(--grid); stroke-width: 1; }
svg .zero { stroke: var(--soft); stroke-width: 1; }
svg .hit { fill: transparent; }
svg .effect:hover .hit { fill: var(--grid); }
svg .effect .whisker { stroke: var(--tint); stroke-width: 2; stroke-linecap: round; }
svg .effect .mark { fill: var(--tint); }
svg .better { --tint: var(--better); } svg .worse { --tint: var(--worse); } svg .none { --tint: var(--none); } svg .joint { --tint: var(--both); }
svg .none .mark { fill: var(--card); stroke: var(--tint); stroke-width: 2; }
svg .none .value { fill: var(--soft); }
svg .curve { fill: none; stroke: var(--tint); stroke-width: 2; stroke-linejoin: round; }
svg .dot, svg .bar { fill: var(--tint); }
svg .bar ~ .whisker { stroke: var(--ink); stroke-width: 1.5; }
.arm-neither { --tint: var(--neither); } .arm-caching { --tint: var(--caching); }
.arm-compression { --tint: var(--compression); } .arm-caching-compression { --tint: var(--both); }
.tint-better { --tint: var(--better); } .tint-worse { --tint: var(--worse); } .tint-joint { --tint: var(--both); } .tint-none { --tint: var(--none); }
.scroll { overflow-x: auto; margin: 0.6rem 0 1.2rem; }
table { border-collapse: collapse; font-size: 0.85rem; font-variant-numeric: tabular-nums; min-width: 100%; }
th, td { text-align: left; padding: 0.32rem 0.8rem 0.32rem 0; border-bottom: 1px solid var(--rule); vertical-align: top; }
th { color: var(--soft); font-weight: 500; }
table.numbers td:not(:first-child), table.numbers th:not(:first-child) { text-align: right; white-space: nowrap; }
table.facts th { white-space: nowrap; padding-right: 1.5rem; }
table.facts td { overflow-wrap: anywhere; }
pre { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 0.9rem 1rem; overflow-x: auto; font-size: 0.85rem; }
details { margin: 0.8rem 0; }
summary { cursor: pointer; font-weight: 600; font-size: 0.92rem; }
@media (max-width: 560px) {
  main { padding-top: 1.5rem; }
  table.facts, table.facts tbody, table.facts tr, table.facts th, table.facts td { display: block; border: 0; padding: 0; }
  table.facts tr { border-bottom: 1px solid var(--rule); padding: 0.35rem 0; }
  table.facts th { font-size: 0.78rem; }
}
@media print { details { display: none; } figure, .findings > li { break-inside: avoid; } }
`;
