// What the course of a run, the flame graph and the verdicts add to the look of a page.

export const courseStyle = `
:root { --own: #2563c9; --package: #c77700; --node: #12805c; --engine: #7d8790; --on-frame: #ffffff; }
@media (prefers-color-scheme: dark) {
  :root { --own: #6ba1f5; --package: #eeb04a; --node: #43c598; --engine: #9aa4ad; --on-frame: #14171a; }
}
svg .course .curve { stroke-width: 1.2; opacity: 0.55; }
svg .course .points { fill: none; stroke: var(--tint); stroke-width: 4; stroke-linecap: round; }
svg .course > g:hover .curve { stroke-width: 2.2; opacity: 1; }
svg.flame { overflow: hidden; font-size: 11.5px; }
svg.flame svg { width: auto; height: auto; overflow: hidden; font-size: inherit; }
svg.flame rect { fill: var(--tint); stroke: var(--card); stroke-width: 0.5; }
svg.flame svg:hover rect { filter: brightness(1.15); }
svg.flame text { fill: var(--on-frame); pointer-events: none; }
.flame-own, svg.flame .own { --tint: var(--own); } .flame-package, svg.flame .package { --tint: var(--package); }
.flame-node, svg.flame .node { --tint: var(--node); } .flame-engine, svg.flame .engine { --tint: var(--engine); }
table.hottest td:last-child, table.hottest th:last-child { text-align: right; white-space: nowrap; }
table.hottest td { overflow-wrap: anywhere; }
ul.verdicts { padding-left: 1.1rem; margin: 0.4rem 0 1rem; font-size: 0.92rem; }
.pass { color: var(--better); } .fail { color: var(--worse); } .unknown { color: var(--soft); }
a { color: var(--caching); }
@media (max-width: 560px) { svg.flame .wide-only { display: none; } }
`;
