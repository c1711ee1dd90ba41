// The little that the charts need of SVG: elements with escaped text, and scales with ticks. Colours are classes, so that a
// chart follows the page into dark mode. Strings in, strings out.

export type Attributes = Readonly<Record<string, string | number | undefined>>;

export function element(name: string, attributes: Attributes, ...children: readonly string[]): string {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(
      ([key, value]) => ` ${key}="${escapeText(typeof value === "number" ? rounded(value) : String(value))}"`,
    )
    .join("");
  return children.length === 0 ? `<${name}${written}/>` : `<${name}${written}>${children.join("")}</${name}>`;
}

export function label(x: number, y: number, text: string, className: string, anchor = "start"): string {
  return element("text", { x, y, class: className, "text-anchor": anchor }, escapeText(text));
}

/** Shown on hover, read by screen readers. */
export function tooltip(text: string): string {
  return element("title", {}, escapeText(text));
}

export function line(x1: number, y1: number, x2: number, y2: number, className: string): string {
  return element("line", { x1, y1, x2, y2, class: className });
}

export function drawing(
  width: number,
  height: number,
  description: string,
  ...children: readonly string[]
): string {
  return element(
    "svg",
    { viewBox: `0 0 ${rounded(width)} ${rounded(height)}`, role: "img", "aria-label": description },
    ...children,
  );
}

export function escapeText(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}

export type Scale = (value: number) => number;

/** Values outside the domain are put on its border. Both ends of the domain are positive. */
export function logScale(
  [from, to]: readonly [number, number],
  [start, end]: readonly [number, number],
): Scale {
  const span = Math.log(to / from);
  return (value) => {
    const share = Math.log(Math.max(value, Number.MIN_VALUE) / from) / span;
    return start + (end - start) * Math.min(Math.max(share, 0), 1);
  };
}

/** 1, 2 and 5 times powers of ten inside the domain; powers of ten alone when those are many, more where they are few. */
export function logTicks([from, to]: readonly [number, number]): number[] {
  const decades = Array.from(
    { length: Math.ceil(Math.log10(to)) - Math.floor(Math.log10(from)) + 1 },
    (_, i) => 10 ** (Math.floor(Math.log10(from)) + i),
  );
  const steps = to / from > 2000 ? [1] : to / from > 8 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 8];
  return decades
    .flatMap((decade) => steps.map((step) => Number((decade * step).toPrecision(3))))
    .filter((tick) => tick >= from * 0.999 && tick <= to * 1.001);
}

function rounded(value: number): string {
  return Number(value.toFixed(2)).toString();
}
