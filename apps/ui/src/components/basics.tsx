// The small parts every screen is made of: a screen's header, notes of failure, empty states, progress.
// No spec rules here.
import { type ReactNode, useEffect, useRef } from 'react';
import type { Route } from '../hooks/useRoute.ts';
import { routeTo } from '../hooks/useRoute.ts';
import { explain } from '../lib/explain.ts';
import { Icon, type IconName } from './Icon.tsx';

/** The header of a pane. Its heading takes the focus when the pane opens, so that keyboard and screen reader follow. */
export function PaneHeader(props: {
  readonly title: string;
  readonly back?: Route;
  readonly children?: ReactNode;
  readonly focus?: boolean;
}) {
  const heading = useRef<HTMLHeadingElement>(null);
  const focus = props.focus !== false;
  useEffect(() => {
    if (focus) heading.current?.focus();
  }, [focus]);
  return (
    <header className="pane-header">
      {props.back !== undefined && (
        <a className="icon-button back" href={routeTo(props.back)} aria-label="Back">
          <Icon name="back" />
        </a>
      )}
      <h1 ref={heading} tabIndex={-1}>
        {props.title}
      </h1>
      {props.children}
    </header>
  );
}

/** Shows why something failed and what to do. Announced at once. */
export function Failure({ error, children }: { readonly error: unknown; readonly children?: ReactNode }) {
  const { title, text } = explain(error);
  return (
    <div className="note note-bad" role="alert">
      <Icon name="warning" />
      <div>
        <p className="note-title">{title}</p>
        <p>{text}</p>
        {children !== undefined && <div className="actions">{children}</div>}
      </div>
    </div>
  );
}

export function EmptyState(props: {
  readonly icon: IconName;
  readonly title: string;
  readonly children?: ReactNode;
}) {
  return (
    <div className="empty">
      <span className="empty-icon">
        <Icon name={props.icon} />
      </span>
      <h2>{props.title}</h2>
      {props.children}
    </div>
  );
}

/** A bar with its words. `total` 0 shows that the length is not known yet. */
export function Progress(props: { readonly label: string; readonly done: number; readonly total: number }) {
  return (
    <div className="progress">
      <span className="progress-label">{props.label}</span>
      {props.total > 0 ? (
        <progress aria-label={props.label} value={props.done} max={props.total} />
      ) : (
        <progress aria-label={props.label} />
      )}
    </div>
  );
}

/** The whole page while there is no device to show: first start, taken over, failed. */
export function Centre({ children, wide }: { readonly children: ReactNode; readonly wide?: boolean }) {
  return (
    <main className="centre">
      <div className={wide === true ? 'card card-wide' : 'card'}>{children}</div>
    </main>
  );
}
