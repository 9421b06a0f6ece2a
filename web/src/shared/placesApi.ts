import { request } from "./api";
import type {
  NewRegistration,
  PlaceCategory,
  PlaceList,
  PlaceRow,
  Places,
  PlacesQuery,
  PlacesSettings,
  Registration,
  SatisfactionLevel,
  SatisfactionTally,
  Scan,
  Scanned,
  Selection,
} from "./places";

const of = (slug: string): string => `/activities/${encodeURIComponent(slug)}`;

/** What the pages ask about places for people on the spot, and about satisfaction. */
export const placesApi = {
  selection: (slug: string): Promise<Selection> => request("GET", `${of(slug)}/selection`),
  register: (slug: string, input: NewRegistration): Promise<Registration> =>
    request("POST", `${of(slug)}/registrations`, input),
  registration: (receipt: string): Promise<Registration> => request("POST", "/registrations", { receipt }),
  answer: (receipt: string, act: "confirm" | "decline" | "withdraw"): Promise<Registration> =>
    request("POST", "/registrations/answer", { receipt, act }),
  satisfaction: (slug: string): Promise<SatisfactionTally> => request("GET", `${of(slug)}/satisfaction`),
  /** `ticket` is that of who came, empty for who watched. */
  tellSatisfaction: (slug: string, device: string, level: SatisfactionLevel, ticket: string): Promise<SatisfactionTally> =>
    request("PUT", `${of(slug)}/satisfaction`, { device, level, ticket }),

  places: (slug: string): Promise<Places> => request("GET", `${of(slug)}/places`),
  setPlaces: (slug: string, input: PlacesSettings): Promise<Places> => request("PUT", `${of(slug)}/places`, input),
  noticeUrl: (slug: string, version: number): string => `/api/v1${of(slug)}/places/notice/document?version=${version}`,
  publishNotice: (slug: string, reason: string): Promise<Places> =>
    request("POST", `${of(slug)}/places/notice`, { reason }),
  invite: async (slug: string, category: PlaceCategory, count: number): Promise<string[]> =>
    (await request<{ codes: string[] }>("POST", `${of(slug)}/places/invitations`, { category, count })).codes,
  close: (slug: string): Promise<Places> => request("POST", `${of(slug)}/places/close`, {}),
  draw: (slug: string, public_value: string): Promise<Places> =>
    request("POST", `${of(slug)}/places/draw`, { public_value }),
  rows: (slug: string, query: PlacesQuery): Promise<PlaceList> => {
    const asked = Object.entries({ ...query, page: String(query.page) }).filter(([, value]) => value !== "");
    return request("GET", `${of(slug)}/registrations?${new URLSearchParams(asked).toString()}`);
  },
  choose: (slug: string, number: number, act: "select" | "wait" | "reject"): Promise<PlaceRow> =>
    request("POST", `${of(slug)}/registrations/${number}`, { act }),
  reveal: (slug: string, number: number): Promise<PlaceRow> =>
    request("POST", `${of(slug)}/registrations/${number}/reveal`, {}),
  attendanceUrl: (slug: string, reveal: boolean): string => `/api/v1${of(slug)}/attendance?reveal=${reveal}`,
  checkIn: (slug: string, scans: readonly Scan[]): Promise<{ results: Scanned[]; present: number }> =>
    request("POST", `${of(slug)}/check-ins`, { scans }),
};
