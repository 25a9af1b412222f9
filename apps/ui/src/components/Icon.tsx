// The icons, drawn on a 24 × 24 grid with one stroke width. Decorative: the text beside them speaks.
// No spec rules here.
const PATHS = {
  back: 'M15 5l-7 7 7 7',
  plus: 'M12 5v14M5 12h14',
  send: 'M5 12h13M12 5.5l6.5 6.5-6.5 6.5',
  settings: 'M4 7h9m5 0h2M4 17h2m5 0h9M15.5 4.5v5M8.5 14.5v5',
  devices: 'M3 6.5h13v9H3zM7 19.5h5M18.5 9.5H21v10h-5v-2',
  link: 'M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.7l-1.2 1.2M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.7l1.2-1.2',
  phone: 'M8 3.5h8v17H8zM11 17.5h2',
  computer: 'M4 5h16v10.5H4zM9 19.5h6M12 15.5v4',
  shield: 'M12 3.5l7 2.6v5.4c0 4.3-2.9 7.6-7 9-4.1-1.4-7-4.7-7-9V6.1z',
  file: 'M7 3.5h7l4 4v13H7zM14 3.5v4h4M12 11v6m-2.5-2.5L12 17l2.5-2.5',
  airplane:
    'M10.4 3.9a1.6 1.6 0 0 1 3.2 0V9l7 4.3v2l-7-2.1v4.4l2 1.5v1.6L12 19.6l-3.6 1.1v-1.6l2-1.5v-4.4l-7 2.1v-2l7-4.3z',
  clock: 'M12 4.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15zM12 8v4.3l2.7 1.7',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  more: 'M12 6v.01M12 12v.01M12 18v.01',
  down: 'M12 5v13M6 12.5l6 6 6-6',
  trash: 'M5 7h14M10 4h4M7 7l.8 13h8.4L17 7M10.5 11v5M13.5 11v5',
  copy: 'M9 9h10.5v10.5H9zM6 15H4.5V4.5H15V6',
  warning: 'M12 4L2.8 19.5h18.4zM12 10v4.5M12 17.2v.01',
  close: 'M6 6l12 12M18 6L6 18',
  camera: 'M4 8h3.5L9 5.5h6L16.5 8H20v11H4zM12 10.2a3 3 0 1 0 0 6 3 3 0 0 0 0-6z',
  person: 'M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4.5 20.5c.6-4 3.6-6 7.5-6s6.9 2 7.5 6',
  refresh: 'M19 8.5A8 8 0 1 0 20 13M19.5 4v4.5H15',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, className }: { readonly name: IconName; readonly className?: string }) {
  return (
    <svg
      className={className === undefined ? 'icon' : `icon ${className}`}
      viewBox="0 0 24 24"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The mark: a seal with a wire through it. */
export function Mark() {
  return (
    <svg className="mark" viewBox="0 0 48 48" aria-hidden="true">
      <path className="mark-wax" d={SEAL} />
      <path className="mark-wire" d="M9 24h7l4-8.5 8 17 4-8.5h7" />
    </svg>
  );
}

const SEAL =
  'M24 3.5c3.1 0 4.3 2.2 7 2.9s5.1-.2 7.3 2 1.3 4.6 2 7.3 4.2 4.1 4.2 8.3-3.4 5.5-4.2 8.3.2 5.1-2 7.3-4.6 1.3-7.3 2-3.9 2.9-7 2.9-4.3-2.2-7-2.9-5.1.2-7.3-2-1.3-4.6-2-7.3S3.5 28.2 3.5 24s3.4-5.5 4.2-8.3-.2-5.1 2-7.3 4.6-1.3 7.3-2 3.9-2.9 7-2.9z';
