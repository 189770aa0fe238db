import type { Attachment } from '@comptoir/messages';
import { HttpError, NO_ANSWER, type Upload } from './api';
import type { WireError } from './wire';

/** Only XMLHttpRequest tells how much of a body has left. */
export function sendFile(base: string, token: string, locale: string, upload: Upload): Promise<Attachment> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', `${base}/attachments?name=${encodeURIComponent(upload.name)}`);
    request.setRequestHeader('Authorization', `Bearer ${token}`);
    request.setRequestHeader('Accept-Language', locale);
    request.setRequestHeader('Content-Type', upload.blob.type || 'application/octet-stream');
    request.responseType = 'json';
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) upload.progress(event.loaded / event.total);
    };
    request.onerror = request.onabort = request.ontimeout = () => reject(new HttpError(0, NO_ANSWER));
    request.onload = () => {
      const body = request.response as (Attachment & { error?: WireError }) | null;
      if (request.status >= 200 && request.status < 300 && body) resolve(body);
      else reject(new HttpError(request.status, body?.error ?? NO_ANSWER));
    };
    request.send(upload.blob);
  });
}
