/** Who plays in a run: workspaces with numbers, and the customers who write to them. */
export interface Cast {
  workspaces: CastWorkspace[];
}

export interface CastWorkspace {
  workspaceId: string;
  wabaId: string;
  portfolioKey: string;
  numbers: CastNumber[];
  customers: Customer[];
}

export interface CastNumber {
  phoneNumberId: string;
  displayPhone: string;
  /** Connected only in the middle of the run: what is posted for it before is kept for it. */
  isLate: boolean;
}

export interface Customer {
  phone: string;
  bsuid: string;
  name: string;
}

/** Numbers of one workspace share their customers, so that two lanes meet at the same people. */
export function makeCast(size: {
  workspaces: number;
  numbersEach: number;
  customersEach: number;
  hasLateNumber: boolean;
}): Cast {
  const workspaces = Array.from({ length: size.workspaces }, (_, at): CastWorkspace => {
    const digit = at + 1;
    return {
      workspaceId: `00000000-0000-4000-8000-00000000000${digit}`,
      wabaId: `20000000000000${digit}`,
      portfolioKey: `portfolio-${digit}`,
      numbers: Array.from({ length: size.numbersEach }, (_, number) => ({
        phoneNumberId: `3000000000${digit}${number}`,
        displayPhone: `91555000${digit}00${number}`,
        isLate: size.hasLateNumber && at === 0 && number === size.numbersEach - 1,
      })),
      customers: Array.from({ length: size.customersEach }, (_, customer) => ({
        phone: `9155501${digit}${String(customer).padStart(4, "0")}`,
        bsuid: `IN.${digit}00000000000${String(customer).padStart(4, "0")}`,
        name: `Customer ${digit}-${customer} <b>"O'Neil"</b>`,
      })),
    };
  });
  return { workspaces };
}
