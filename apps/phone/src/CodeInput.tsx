// How the phone gets the other device's code: the camera inside the app, or the code as text.
// Rules: spec/link.md (the code is scanned inside the app, never by the system's camera).
import { CodeReader, Failure, Icon } from '@sealwire/ui';

export function CodeInput(props: {
  readonly error: unknown;
  readonly offline: boolean;
  readonly onCode: (code: string) => void;
}) {
  return (
    <section className="link-step" aria-label="The other device’s code">
      <ol className="steps">
        <li>Open the Sealwire web app on your computer.</li>
        <li>Point this camera at the code on its screen.</li>
        <li>Type the six digits that appear here on the computer.</li>
      </ol>
      {props.offline && (
        <p className="note note-plain" role="status">
          <Icon name="airplane" />
          <span>You are offline. Linking needs a connection: turn airplane mode off first.</span>
        </p>
      )}
      {props.error !== undefined && <Failure error={props.error} />}
      <CodeReader onCode={props.onCode} hint="In the web app: “Copy code as text”." />
    </section>
  );
}
