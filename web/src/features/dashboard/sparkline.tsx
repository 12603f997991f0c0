import type { Sample } from "./history";

const width = 120;
const height = 28;

/** The way a count went, without axes: the shape says whether it grows. */
export function Sparkline({ samples, value }: { samples: readonly Sample[]; value: "backlog" | "active" }) {
  const first = samples[0];
  const last = samples.at(-1);
  if (!first || !last || last.time === first.time) return null;

  const highest = Math.max(1, ...samples.map((sample) => sample[value]));
  const points = samples.map((sample) => {
    const x = ((sample.time - first.time) / (last.time - first.time)) * width;
    const y = height - 1 - (sample[value] / highest) * (height - 3);
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  });
  return (
    <svg
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      aria-hidden="true"
      className="h-7 w-full"
    >
      <polygon
        points={`0,${height} ${points.join(" ")} ${width},${height}`}
        className="fill-current opacity-10"
      />
      <polyline
        points={points.join(" ")}
        className="fill-none stroke-current"
        strokeWidth="1.5"
        vectorEffect="non-scaling-stroke"
      />
    </svg>
  );
}
