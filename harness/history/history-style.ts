// What the history adds to the look of a report.

export const historyStyle = `
:focus-visible { outline: 3px solid var(--caching); outline-offset: 2px; border-radius: 4px; }
.controls { display: flex; flex-wrap: wrap; gap: 0.7rem 1rem; margin: 1rem 0; align-items: end; }
.controls label { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.2rem; font-size: 0.8rem; color: var(--soft); min-width: 0; max-width: 100%; }
select { font: inherit; font-size: 0.92rem; color: var(--ink); background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: 0.45rem 0.6rem; max-width: 100%; min-height: 2.6rem; }
th button { all: unset; cursor: pointer; display: inline-flex; gap: 0.3em; }
th button:focus-visible { outline: 3px solid var(--caching); outline-offset: 2px; }
th[aria-sort="ascending"] button::after { content: "↑"; } th[aria-sort="descending"] button::after { content: "↓"; }
table.runs td { white-space: nowrap; } table.runs td.command { white-space: normal; min-width: 16rem; }
table.runs ul { margin: 0.2rem 0; padding-left: 1rem; white-space: normal; min-width: 14rem; }
table.runs details { margin: 0; } table.runs summary { font-size: 0.85rem; font-weight: 500; }
.tall { max-height: 34rem; overflow: auto; } .tall thead th { position: sticky; top: 0; background: var(--paper); }
a { color: var(--caching); }
.pass, .better { color: var(--better); } .fail, .worse { color: var(--worse); } .unknown, .measured { color: var(--soft); }
/* What has no colour of its own. */
:where(.legend li, svg g) { --tint: var(--caching); }
svg .ring { fill: none; stroke: var(--ink); stroke-width: 1.8; }
.empty { color: var(--soft); }
[hidden] { display: none !important; }
code { font-size: 0.9em; overflow-wrap: anywhere; }
`;
