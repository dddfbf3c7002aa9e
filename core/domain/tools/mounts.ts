/** The mount point of `fstab`, at or above `folder`, that is not in `mounts`. */
export function missingMount(folder: string, fstab: string, mounts: string): string | undefined {
  const mounted = new Set(mountPoints(mounts));
  const above = mountPoints(fstab).filter((point) => folder === point || folder.startsWith(`${point}/`));
  return above.find((point) => point !== '/' && !mounted.has(point));
}

/** The second field of every line, with escapes decoded. */
function mountPoints(table: string): string[] {
  const lines = table.split('\n').filter((line) => !line.trimStart().startsWith('#'));
  const points = lines.map((line) => line.trim().split(/\s+/)[1] ?? '').filter((point) => point.startsWith('/'));
  const decoded = points.map((point) =>
    point.replace(/\\(\d{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8))),
  );
  return decoded.map((point) => point.replace(/(?<=.)\/+$/, ''));
}
