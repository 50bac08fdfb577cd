import ArgumentParser
import AsyncHTTPClient
import GuestAPI
@main struct M: ParsableCommand {}
