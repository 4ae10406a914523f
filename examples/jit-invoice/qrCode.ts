import { encodeQR } from 'qr';

/** An invoice as a QR code of half blocks. Upper case lets the code use its dense alphanumeric mode. */
export const qrCode = (invoice: string): string =>
  encodeQR(`lightning:${invoice}`.toUpperCase(), 'ascii', { border: 2 });
