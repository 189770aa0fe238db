/** A refusal by the program: its code is one of a closed list, its message is a sentence in the person's language. */
export class ApiError extends Error {
  override name = 'ApiError';

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly field: string | null = null,
  ) {
    super(message);
  }
}

/** The line is down or the program does not answer: worth trying again. */
export class NetworkError extends Error {
  override name = 'NetworkError';
}

export interface RequestOptions {
  body?: unknown;
  query?: Record<string, string | number | null | undefined>;
  signal?: AbortSignal | undefined;
}

export interface HttpSettings {
  /** The workspace meant, or null before one is chosen. */
  workspace: string | null;
  locale: () => string;
  /** Called when the session has ended. */
  onSignedOut?: () => void;
}

export function withQuery(path: string, query: RequestOptions['query']): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== null && value !== undefined) parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return text ? `${path}?${text}` : path;
}

/** Reads a refusal out of an answer whose status is not 2xx; a body that is not ours (a proxy's page) becomes `unavailable`. */
export function refusalFrom(status: number, text: string): ApiError {
  try {
    const { error } = JSON.parse(text) as { error: { code: string; message: string; field?: string | null } };
    return new ApiError(status, error.code, error.message, error.field ?? null);
  } catch {
    return new ApiError(status, 'unavailable', `HTTP ${status}`);
  }
}

/** Whether a failed call may succeed by itself later: the line, a full house, a restarting program. */
export function mayPass(error: unknown): boolean {
  if (error instanceof ApiError) return error.status >= 500 || error.status === 429 || error.status === 408;
  return error instanceof NetworkError;
}

export class Http {
  constructor(readonly settings: HttpSettings) {}

  headers(): Record<string, string> {
    const headers: Record<string, string> = { 'Accept-Language': this.settings.locale() };
    if (this.settings.workspace) headers['Comptoir-Workspace'] = this.settings.workspace;
    return headers;
  }

  async call<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
    const headers = this.headers();
    const init: RequestInit = { method, headers, credentials: 'same-origin' };
    if (options.signal) init.signal = options.signal;
    if (options.body !== undefined) {
      headers['Content-Type'] = 'application/json';
      init.body = JSON.stringify(options.body);
    }
    let response: Response;
    let text: string;
    try {
      response = await fetch(withQuery(path, options.query), init);
      text = await response.text();
    } catch (error) {
      if (error instanceof DOMException && error.name === 'AbortError') throw error;
      throw new NetworkError(error instanceof Error ? error.message : 'network');
    }
    if (!response.ok) {
      const refusal = refusalFrom(response.status, text);
      if (refusal.code === 'not_signed_in') this.settings.onSignedOut?.();
      throw refusal;
    }
    return (text ? JSON.parse(text) : undefined) as T;
  }
}
