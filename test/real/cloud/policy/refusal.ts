import type { ServerResponse } from 'node:http';

/** Answers as the service would to somebody who may not: in XML or JSON, by the status that it uses. */
export function refuse(
  { service, method, why }: { service: string; method: string; why: string },
  response: ServerResponse,
): void {
  if (service === 's3') {
    response.writeHead(403, { 'content-type': 'application/xml' });
    response.end(
      method === 'HEAD'
        ? undefined
        : '<?xml version="1.0" ' +
            `encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>${escaped(why)}</Message><RequestId>gate</RequestId></Error>`,
    );
    return;
  }
  if (['sns', 'iam', 'sts'].includes(service)) {
    response.writeHead(403, { 'content-type': 'text/xml' });
    response.end(
      `<ErrorResponse><Error><Type>Sender</Type><Code>${service === 'sns' ? 'AuthorizationError' : 'AccessDenied'}</Code><Message>${escaped(why)}</Message></Error><RequestId>gate</RequestId></ErrorResponse>`,
    );
    return;
  }
  response.writeHead(400, { 'content-type': 'application/x-amz-json-1.1' });
  response.end(JSON.stringify({ __type: 'AccessDeniedException', message: why }));
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
