/**
 * One form for the several ways in which WhatsApp and CRMs write the same number, so that they meet:
 * Brazil with and without the ninth digit, Mexico 521/52, Argentina 549/54 (whatsapp.md 3.5). Only for comparing:
 * what is sent to Meta is the form Meta itself used. Landlines are WhatsApp numbers too, so nothing is refused.
 */
export function canonicalPhone(phone: string): string {
  const digits = phone.replace(/\D/g, "");
  if (/^55\d{2}9\d{8}$/.test(digits)) return digits.slice(0, 4) + digits.slice(5);
  if (/^521\d{10}$/.test(digits)) return `52${digits.slice(3)}`;
  if (/^549\d{10}$/.test(digits)) return `54${digits.slice(3)}`;
  return digits;
}

/** True for what Meta may write where a phone belongs: 5 to 20 digits, nothing else. */
export function isPhoneDigits(text: string): boolean {
  return /^\d{5,20}$/.test(text);
}

/** `IN.2081978700112233`, `IN.ENT.118…`: country, dot, alphanumerics (whatsapp.md 3.1). Parsed leniently. */
export function isBsuid(text: string): boolean {
  return /^[A-Za-z]{2}\.[A-Za-z0-9.]{1,160}$/.test(text);
}
