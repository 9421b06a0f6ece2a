"""Filings (报备): the list."""

from pydantic import BaseModel

from server.auth.rights import Right
from server.filings import list_filings
from server.http.endpoint import Call, endpoint
from server.programme_views import FilingView


class FilingList(BaseModel):
    """Filings, the newest first."""

    filings: list[FilingView]


@endpoint("GET", "/api/v1/filings", right=Right.SIGNED_IN, summary="Changes of time that were filed", answer=FilingList)
async def show_filings(call: Call[None]) -> FilingList:
    async with call.services.database.read() as session:
        return FilingList(filings=await list_filings(session, call.staff))
