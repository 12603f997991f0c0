/** The mark: a list of jobs, and one that is on its way. */
export function Logo({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" className={className} aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="#2f57d9" />
      <path
        d="M8 10h9M8 16h6M8 22h9"
        stroke="#fff"
        strokeOpacity=".7"
        strokeWidth="2.6"
        strokeLinecap="round"
      />
      <path
        d="m18.5 10.5 6 5.5-6 5.5"
        fill="none"
        stroke="#fff"
        strokeWidth="2.8"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}
