// The phone app: creates the account, imports, scans codes to link other devices.
// No spec rules here.
import '@sealwire/ui/styles/index.css';
import { createSession, registerServiceWorker, SessionScreen } from '@sealwire/ui';
import { createRoot } from 'react-dom/client';
import { FirstStart } from './FirstStart.tsx';
import { LinkDevice } from './LinkDevice.tsx';

const session = createSession();
session.start();
createRoot(document.getElementById('app')!).render(
  <SessionScreen
    session={session}
    place="phone"
    firstStart={<FirstStart session={session} />}
    linkPane={(device) => <LinkDevice device={device} />}
  />,
);
if (import.meta.env.PROD) void registerServiceWorker();
