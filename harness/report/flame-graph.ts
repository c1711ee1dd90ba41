// A flame graph, callers above what they call. Places are percentages, so that it takes any width while its letters keep their size; a frame
// cuts off what does not fit of its name, and tells all of it on hover.

import type { FrameRecord } from "./profile-record.ts";
import { element, escapeText, tooltip } from "./svg.ts";

const rowHeight = 19;
/** Shares below which a name is not written: on a wide page, and on a narrow one. */
const leastNamed = { wide: 0.02, narrow: 0.08 };

export function flameGraph(frames: readonly FrameRecord[], description: string): string {
  const rows = Math.max(0, ...frames.map(({ depth }) => depth + 1));
  return element(
    "svg",
    {
      class: "flame",
      width: "100%",
      height: rows * rowHeight,
      role: "img",
      "aria-label": description,
    },
    ...frames.map(frame),
  );
}

function frame({ depth, start, share, selfShare, name, place, kind }: FrameRecord): string {
  const where = place === "" ? "" : `\n${place}`;
  const written =
    share < leastNamed.wide
      ? ""
      : element(
          "text",
          { x: 4, y: 13, class: share < leastNamed.narrow ? "wide-only" : undefined },
          escapeText(name),
        );
  return element(
    "svg",
    { x: percent(start), y: depth * rowHeight, width: percent(share), height: rowHeight - 1, class: kind },
    tooltip(`${name}${where}\n${percent(share)} of the busy time, ${percent(selfShare)} by itself`),
    element("rect", { width: "100%", height: "100%", rx: 2 }),
    written,
  );
}

export function percent(share: number): string {
  return `${Number((share * 100).toFixed(2))}%`;
}
