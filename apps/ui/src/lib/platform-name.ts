// Proposes a name for this device from what the browser tells of itself. The person can change it.
// No spec rules here.

/** @returns for example "Chrome on Linux". */
export function proposeBrowserName(userAgent: string = navigator.userAgent): string {
  return `${browserOf(userAgent)} on ${systemOf(userAgent)}`;
}

/** @returns for example "Ada's phone", or "My phone" while the name is empty. */
export function proposePhoneName(person: string): string {
  const first = person.trim().split(/\s+/u)[0] ?? '';
  return first === '' ? 'My phone' : `${first}’s phone`;
}

function browserOf(userAgent: string): string {
  if (/Edg\//.test(userAgent)) return 'Edge';
  if (/OPR\//.test(userAgent)) return 'Opera';
  if (/Firefox\//.test(userAgent)) return 'Firefox';
  if (/Chrom(e|ium)\//.test(userAgent)) return 'Chrome';
  if (/Safari\//.test(userAgent)) return 'Safari';
  return 'Browser';
}

function systemOf(userAgent: string): string {
  if (/iPhone|iPad/.test(userAgent)) return 'iOS';
  if (/Android/.test(userAgent)) return 'Android';
  if (/Mac OS X/.test(userAgent)) return 'macOS';
  if (/Windows/.test(userAgent)) return 'Windows';
  if (/CrOS/.test(userAgent)) return 'ChromeOS';
  return 'Linux';
}
