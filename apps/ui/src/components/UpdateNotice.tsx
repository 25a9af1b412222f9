// Tells that a newer version of the app is ready, and changes to it when the person says so.
// No spec rules here.
import { useReadable } from '../hooks/useReadable.ts';
import { applyUpdate, updateReady } from '../lib/updates.ts';
import { Icon } from './Icon.tsx';

export function UpdateNotice() {
  const ready = useReadable(updateReady);
  if (!ready) return null;
  return (
    <div className="banner banner-calm" role="status">
      <Icon name="refresh" />
      <p>A new version of Sealwire is ready.</p>
      <button type="button" className="button" onClick={applyUpdate}>
        Reload
      </button>
    </div>
  );
}
