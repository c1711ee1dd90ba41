// How time is cut into windows, pure arithmetic on whole milliseconds since the epoch. Window k is [k * slide, k * slide + size). The
// beginnings and ends of all windows cut time into panes, at most two a slide: every window is a run of whole panes, so what is counted
// once in its pane is counted in each window that it belongs to.

export interface WindowFrame {
  readonly sizeMs: number;
  /** At most the size; equal for windows that do not overlap. */
  readonly slideMs: number;
}

/** Beginning, itself included, and end, itself excluded. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export function spanOf({ sizeMs, slideMs }: WindowFrame, index: number): Span {
  return { start: index * slideMs, end: index * slideMs + sizeMs };
}

/** The first window that ends after `time`: of those that hold it the earliest, and the first that a watermark there has not passed. */
export function firstWindow({ sizeMs, slideMs }: WindowFrame, time: number): number {
  return Math.floor((time - sizeMs) / slideMs) + 1;
}

/** The last window that begins at `time` or before it: of those that hold it the latest. */
export function lastWindow({ slideMs }: WindowFrame, time: number): number {
  return Math.floor(time / slideMs);
}

/** Where the pane that holds `time` begins; it is named by that. */
export function paneOf(frame: WindowFrame, time: number): number {
  const { sizeMs, slideMs } = frame;
  const slideStart = lastWindow(frame, time) * slideMs;
  const windowEnd = slideStart + (sizeMs % slideMs);
  return time < windowEnd ? slideStart : windowEnd;
}
