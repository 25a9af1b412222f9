// A question before something that cannot be undone: what will happen, the button that does it, the one that does not.
// No spec rules here.
import { type ReactNode, useState } from 'react';
import { useTask } from '../hooks/useTask.ts';
import { Failure } from './basics.tsx';

/** @param ask - the button that raises the question. */
export function Question(props: {
  readonly ask: string;
  readonly yes: string;
  readonly no: string;
  readonly onYes: () => Promise<unknown>;
  /** What will happen. */
  readonly children: ReactNode;
}) {
  const [asking, setAsking] = useState(false);
  const answer = useTask(async () => {
    await props.onYes();
    setAsking(false);
  });
  if (!asking)
    return (
      <div className="actions">
        <button type="button" className="button button-danger" onClick={() => setAsking(true)}>
          {props.ask}
        </button>
      </div>
    );
  return (
    <div className="form question" role="alertdialog" aria-label={props.ask}>
      <div>{props.children}</div>
      {answer.error !== undefined && <Failure error={answer.error} />}
      <div className="actions">
        <button
          // biome-ignore lint/a11y/noAutofocus: the answer that does no harm, to a question that was just asked for
          autoFocus
          type="button"
          className="button"
          disabled={answer.busy}
          onClick={() => setAsking(false)}
        >
          {props.no}
        </button>
        <button
          type="button"
          className="button button-danger"
          disabled={answer.busy}
          onClick={() => answer.run()}
        >
          {props.yes}
        </button>
      </div>
    </div>
  );
}
